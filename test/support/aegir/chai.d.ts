export declare const expect: (value: unknown, message?: string) => any
export declare const assert: any
export declare const chai: any
