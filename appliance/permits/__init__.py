"""Permits 校長の許可番号, the record of what was taken out 持ち出し記録, and the gate through which it leaves."""
