customer.address = address;
  log.info(`new address of customer #${customer.id}`);
