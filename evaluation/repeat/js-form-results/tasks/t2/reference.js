const value = field.trim().toLowerCase();
  if (value === '') return { ok: false, error: { field: 'day', code: 'EMPTY' } };
  return ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].includes(value) ? { ok: true, value } : { ok: false, error: { field: 'day', code: 'INVALID' } };
