/** The dedicated worker of lastword. Has no exports: name it as the source of a `new Worker`. */
export {};
