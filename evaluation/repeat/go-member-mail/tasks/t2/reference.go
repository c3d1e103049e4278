mailbox := func(mail string) string {
		mail = strings.ToLower(strings.TrimSpace(mail))
		name, host, _ := strings.Cut(mail, "@")
		name, _, _ = strings.Cut(name, "+")
		return name + "@" + host
	}
	seen := map[string]bool{}
	var kept []members.Member
	for _, m := range all {
		if box := mailbox(m.Mail); !seen[box] {
			seen[box] = true
			kept = append(kept, m)
		}
	}
	return kept
