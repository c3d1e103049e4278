mailbox := func(mail string) string {
		mail = strings.ToLower(strings.TrimSpace(mail))
		name, host, _ := strings.Cut(mail, "@")
		name, _, _ = strings.Cut(name, "+")
		return name + "@" + host
	}
	known := map[string]bool{}
	for _, m := range all {
		known[mailbox(m.Mail)] = true
	}
	var fresh []string
	for _, address := range addresses {
		if !known[mailbox(address)] {
			fresh = append(fresh, address)
		}
	}
	return fresh
