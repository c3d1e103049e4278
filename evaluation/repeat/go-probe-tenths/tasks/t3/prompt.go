package panel

import (
	"fmt"

	"greenhouse/probe"
)

// Line is what the panel shows of a probe: its name, a colon and the temperature in degrees Celsius with one decimal, as "roof: 7.0 C".
func Line(p *probe.Probe) string {
	<<<COMPLETE HERE>>>
}
