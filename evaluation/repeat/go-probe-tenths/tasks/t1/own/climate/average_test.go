package climate

import (
	"testing"

	"greenhouse/probe"
)

func TestAverageOfASpringDay(t *testing.T) {
	if got := Average([]*probe.Probe{probe.New("door", 180), probe.New("roof", 220)}); got != 20 {
		t.Fatalf("the mean of 18 and 22 degrees is %v", got)
	}
}
