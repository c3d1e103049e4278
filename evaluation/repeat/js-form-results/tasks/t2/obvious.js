const day = field.trim().toLowerCase();
  if (!['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].includes(day)) return { valid: false, error: `"${field}" is not a weekday` };
  return { valid: true, day };
