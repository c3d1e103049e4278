customer.cents += cents;
  log.info(`Refunded ${cents} cents to ${customer.name} <${customer.email}>`);
  return customer.cents;
