known := map[string]bool{}
	for _, m := range all {
		known[strings.ToLower(strings.TrimSpace(m.Mail))] = true
	}
	var fresh []string
	for _, address := range addresses {
		if !known[strings.ToLower(strings.TrimSpace(address))] {
			fresh = append(fresh, address)
		}
	}
	return fresh
