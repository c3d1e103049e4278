return execSync(`head -n 10 ${file}`, { encoding: 'utf8' });
