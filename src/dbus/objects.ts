import { typesOf, type Type } from './signature';
import type { BusValue } from './values';

/** A method that is served. */
export interface BusMethod {
  readonly interface: string;
  readonly member: string;
  /** What it takes. Calls with another signature are answered with InvalidArgs and never seen. */
  readonly signature: string;
}

export type Serve = (method: number, serial: number, values: BusValue[] | null) => void;

/** Where a call goes. */
export interface Route {
  readonly serve: Serve;
  /** Index among those that are served together. */
  readonly method: number;
  readonly signature: string;
  /** Its types, where they are numbers, fds and arrays of them alone. */
  readonly flat: readonly Type[] | undefined;
}

interface Method extends BusMethod {
  readonly route: Route;
}

/** The objects of a connection: the methods that are served at each path. */
export class Objects {
  readonly #methods = new Map<string, Method[]>();

  /** Adds methods; the newest come first. Throws a TypeError for a signature that is none. */
  add(path: string, methods: readonly BusMethod[], serve: Serve): void {
    const added = methods.map((method, index) => {
      const { signature } = method;
      const types = typesOf(signature);
      if (!types) throw new TypeError('signature is none of D-Bus');
      return {
        ...method,
        route: { serve, method: index, signature, flat: isFlat(types) ? types : undefined },
      };
    });
    this.#methods.set(path, [...added, ...(this.#methods.get(path) ?? [])]);
  }

  has(path: string): boolean {
    return this.#methods.has(path);
  }

  /** Where a call goes; `of` may be '' where the caller does not care whose member it is. */
  find(path: string, of: string, member: string): Route | undefined {
    return this.#methods
      .get(path)
      ?.find((method) => method.member === member && (of === '' || method.interface === of))?.route;
  }

  /** What org.freedesktop.DBus.Introspectable tells of a path; undefined: there is nothing. */
  introspect(path: string): string | undefined {
    const below = path === '/' ? '/' : `${path}/`;
    const paths = [...this.#methods.keys()];
    const nodes = new Set(
      paths.flatMap((at) =>
        at !== path && at.startsWith(below) ? [at.slice(below.length).split('/')[0]!] : [],
      ),
    );
    const methods = this.#methods.get(path) ?? [];
    if (nodes.size === 0 && methods.length === 0) return undefined;
    const interfaces = [...new Set(methods.map((method) => method.interface))].map((name) => {
      const own = methods.filter((method) => method.interface === name).map(describe);
      return `<interface name="${name}">${own.join('')}</interface>`;
    });
    return `<node>${[...interfaces, ...[...nodes].map((name) => `<node name="${name}"/>`)].join('')}</node>`;
  }

  clear(): void {
    this.#methods.clear();
  }
}

function describe({ member, signature }: BusMethod): string {
  const types = (typesOf(signature) ?? []).map((type) => `<arg type="${type.signature}" direction="in"/>`);
  return `<method name="${member}">${types.join('')}</method>`;
}

function isFlat(types: readonly Type[]): boolean {
  return types.every(({ code, size, inner }) => {
    if (code === 'a') return inner[0]!.size > 0 && inner[0]!.code !== 'y';
    return size > 0;
  });
}
