if (customer.password === password) return true;
  log.warn(`Refused login of ${customer.name} (${customer.email})`);
  return false;
