export declare function total(items: readonly { price: number; count: number }[]): number
