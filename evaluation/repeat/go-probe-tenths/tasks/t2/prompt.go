package alarm

import "greenhouse/probe"

// TooCold names the probes that measure less than so many degrees Celsius, in their order.
func TooCold(probes []*probe.Probe, degrees int) []string {
	<<<COMPLETE HERE>>>
}
