return randomBytes(16).toString('hex');
