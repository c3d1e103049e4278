/** Fields of the order form, in their order. */
export const FIELDS = ['quantity', 'day', 'code'];
