const { records } = store.list('members');
  return records.find((m) => m.email.toLowerCase() === email.toLowerCase());
