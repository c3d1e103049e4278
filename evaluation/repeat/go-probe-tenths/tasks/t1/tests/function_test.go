// package: climate
package climate

import (
	"math"
	"testing"

	"greenhouse/probe"
)

func TestJudge(t *testing.T) {
	if got := Average(nil); got != 0 {
		t.Fatalf("without a probe %v", got)
	}
	got := Average([]*probe.Probe{probe.New("a", 215), probe.New("b", 225), probe.New("c", -10)})
	if math.Abs(got-14.333333) > 0.001 {
		t.Fatalf("the mean of 21.5, 22.5 and -1 degrees is %v", got)
	}
}
