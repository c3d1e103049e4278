const lines = ['id,weight'];
  let page = store.list('shipments');
  for (;;) {
    lines.push(...page.records.map((s) => `${s.id},${s.weight}`));
    if (page.more === undefined) return lines.join('\n');
    page = store.list('shipments', { after: page.more });
  }
