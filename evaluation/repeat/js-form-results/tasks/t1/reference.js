const text = field.trim();
  if (text === '') return { ok: false, error: { field: 'quantity', code: 'EMPTY' } };
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= 999 ? { ok: true, value } : { ok: false, error: { field: 'quantity', code: 'INVALID' } };
