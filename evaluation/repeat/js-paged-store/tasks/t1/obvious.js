const { records } = store.list('invoices');
  return records.filter((i) => i.customer === customer && !i.paid).reduce((sum, i) => sum + i.cents, 0);
