let sum = 0;
  let after;
  do {
    const page = store.list('invoices', { after });
    for (const invoice of page.records) if (invoice.customer === customer && !invoice.paid) sum += invoice.cents;
    after = page.more;
  } while (after !== undefined);
  return sum;
