const value = Number(field.trim());
  if (!Number.isInteger(value) || value < 1 || value > 999) return { valid: false, error: 'The quantity must be a whole number from 1 to 999.' };
  return { valid: true, value };
