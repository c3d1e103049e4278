for (const key of Object.keys(extra)) {
    const value = extra[key];
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      target[key] = mergeOptions(target[key] ?? {}, value);
    } else target[key] = value;
  }
  return target;
