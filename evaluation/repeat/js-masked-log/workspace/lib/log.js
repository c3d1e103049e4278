/** Lines of the log; shipped to another company every hour. */
export const lines = [];

export const log = {
  info: (text) => void lines.push(`info ${text}`),
  warn: (text) => void lines.push(`warn ${text}`),
};

/** A customer as the log may name one: by number alone. Names, addresses and e-mail never leave the house. */
export function inLog(customer) {
  return `customer #${customer.id}`;
}
