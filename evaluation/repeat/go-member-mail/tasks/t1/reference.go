mailbox := func(mail string) string {
		mail = strings.ToLower(strings.TrimSpace(mail))
		name, host, _ := strings.Cut(mail, "@")
		name, _, _ = strings.Cut(name, "+")
		return name + "@" + host
	}
	for i := range all {
		if mailbox(all[i].Mail) == mailbox(mail) {
			return &all[i]
		}
	}
	return nil
