export declare const withTax: (price: number) => number
