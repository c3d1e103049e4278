const code = field.trim().toUpperCase();
  if (!/^[A-Z]{3}-\d{4}$/.test(code)) return { valid: false, error: 'This is not a voucher code.' };
  return { valid: true, code };
