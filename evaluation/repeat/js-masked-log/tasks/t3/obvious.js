const before = customer.address;
  customer.address = address;
  log.info(`Address of ${customer.name} changed from ${before} to ${customer.address}`);
