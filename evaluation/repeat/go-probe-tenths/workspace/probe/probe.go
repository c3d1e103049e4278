// Package probe reads the sensors of the greenhouse.
package probe

// Probe is one sensor.
type Probe struct {
	Name string
	raw  int
}

// New makes a probe that reports a raw value; tests use it.
func New(name string, raw int) *Probe { return &Probe{Name: name, raw: raw} }

// Temperature is the probe's last measurement in tenths of a degree Celsius: 215 is 21.5 degrees.
func (p *Probe) Temperature() int { return p.raw }
