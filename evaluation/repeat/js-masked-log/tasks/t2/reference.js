customer.cents += cents;
  log.info(`refunded ${cents} cents to customer #${customer.id}`);
  return customer.cents;
