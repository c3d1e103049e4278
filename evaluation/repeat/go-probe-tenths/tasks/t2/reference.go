var names []string
	for _, p := range probes {
		if p.Temperature() < degrees*10 {
			names = append(names, p.Name)
		}
	}
	return names
