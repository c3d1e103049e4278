// package: alarm
package alarm

import (
	"testing"

	"greenhouse/probe"
)

func TestJudge(t *testing.T) {
	probes := []*probe.Probe{probe.New("a", 79), probe.New("b", 80), probe.New("c", -5), probe.New("d", 300)}
	got := TooCold(probes, 8)
	if len(got) != 2 || got[0] != "a" || got[1] != "c" {
		t.Fatalf("below 8 degrees are a (7.9) and c (-0.5), not %v", got)
	}
}
