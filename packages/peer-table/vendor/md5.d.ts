export function md5(bytes: Uint8Array): Uint8Array
export function stringMd5(text: string): string
export function binaryMd5(data: string | Blob, callback: (digest: string) => void): Promise<void>
