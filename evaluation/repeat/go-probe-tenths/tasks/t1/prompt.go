package climate

import "greenhouse/probe"

// Average is the mean temperature of all probes in degrees Celsius; 0 without a probe.
func Average(probes []*probe.Probe) float64 {
	<<<COMPLETE HERE>>>
}
