seen := map[string]bool{}
	var kept []members.Member
	for _, m := range all {
		if mail := strings.ToLower(strings.TrimSpace(m.Mail)); !seen[mail] {
			seen[mail] = true
			kept = append(kept, m)
		}
	}
	return kept
