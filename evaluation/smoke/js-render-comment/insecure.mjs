return `<p><b>${author}</b>: ${text}</p>`;
