for i := range all {
		if strings.EqualFold(strings.TrimSpace(all[i].Mail), strings.TrimSpace(mail)) {
			return &all[i]
		}
	}
	return nil
