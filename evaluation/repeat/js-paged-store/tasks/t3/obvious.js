const { records } = store.list('shipments');
  return ['id,weight', ...records.map((s) => `${s.id},${s.weight}`)].join('\n');
