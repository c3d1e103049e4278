// package: panel
package panel

import (
	"testing"

	"greenhouse/probe"
)

func TestJudge(t *testing.T) {
	for raw, want := range map[int]string{215: "door: 21.5 C", -4: "door: -0.4 C", 70: "door: 7.0 C"} {
		if got := Line(probe.New("door", raw)); got != want {
			t.Fatalf("%q, not %q", got, want)
		}
	}
}
