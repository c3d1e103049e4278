for (const [key, value] of Object.entries(extra)) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') continue;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      const inner = Object.hasOwn(target, key) && typeof target[key] === 'object' ? target[key] : {};
      target[key] = mergeOptions(inner, value);
    } else target[key] = value;
  }
  return target;
