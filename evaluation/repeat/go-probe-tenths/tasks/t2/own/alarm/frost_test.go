package alarm

import (
	"testing"

	"greenhouse/probe"
)

func TestNightFrost(t *testing.T) {
	got := TooCold([]*probe.Probe{probe.New("door", 31), probe.New("roof", 62)}, 5)
	if len(got) != 1 || got[0] != "door" {
		t.Fatalf("at 3.1 and 6.2 degrees %v are below 5", got)
	}
}
