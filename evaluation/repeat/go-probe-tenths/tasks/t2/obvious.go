var names []string
	for _, p := range probes {
		if p.Temperature() < degrees {
			names = append(names, p.Name)
		}
	}
	return names
