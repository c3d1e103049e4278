const value = field.trim().toUpperCase();
  if (value === '') return { ok: false, error: { field: 'code', code: 'EMPTY' } };
  return /^[A-Z]{3}-\d{4}$/.test(value) ? { ok: true, value } : { ok: false, error: { field: 'code', code: 'INVALID' } };
