const wanted = email.toLowerCase();
  for (let after, first = true; first || after !== undefined; first = false) {
    const page = store.list('members', { after });
    const found = page.records.find((m) => m.email.toLowerCase() === wanted);
    if (found) return found;
    after = page.more;
  }
  return undefined;
