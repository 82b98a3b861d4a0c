/* VARIANTs and typed arguments to what the wire has, and back. */
#ifndef WUA_VALUES_H
#define WUA_VALUES_H

#include "link.h"
#include <oleauto.h>

#include "tables.h"

/* Appends a value of a request; objects of ours go by handle, others by a token under which callbacks keep them. */
HRESULT value_write(Text *text, Link *link, long long request, const VARIANT *value);

/* Appends one argument; "at" points at what the caller gave for the parameter. */
HRESULT argument_write(Text *text, Link *link, long long request, Type type, const void *at);

/* A value as a VARIANT that the caller clears. */
HRESULT value_read(Link *link, const Json *json, VARIANT *value);

/* Moves a value to where an early-bound caller wants it. Clears it. */
HRESULT value_move(Type type, const IID *iid, VARIANT *value, void *out);

/* Makes "out" what it is after a failed call. */
void value_nothing(Type type, void *out);

#endif
