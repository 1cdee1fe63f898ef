/*
 * version.h -- the product's version: what `bascule version` prints and a
 * worker's requests say who they are by.
 */
#ifndef CONTRACT_VERSION_H
#define CONTRACT_VERSION_H

#define BASCULE_VERSION	"0.1.0"

#endif
