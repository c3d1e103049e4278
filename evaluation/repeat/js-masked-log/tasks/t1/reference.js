if (customer.password === password) return true;
  log.warn(`refused login of customer #${customer.id}`);
  return false;
