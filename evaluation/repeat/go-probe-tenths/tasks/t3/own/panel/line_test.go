package panel

import (
	"testing"

	"greenhouse/probe"
)

func TestLineOfTheRoof(t *testing.T) {
	if got := Line(probe.New("roof", 243)); got != "roof: 24.3 C" {
		t.Fatalf("24.3 degrees are shown as %q", got)
	}
}
