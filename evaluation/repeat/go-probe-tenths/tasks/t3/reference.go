return fmt.Sprintf("%s: %.1f C", p.Name, float64(p.Temperature())/10)
