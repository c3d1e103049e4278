if len(probes) == 0 {
		return 0
	}
	sum := 0
	for _, p := range probes {
		sum += p.Temperature()
	}
	return float64(sum) / float64(len(probes))
