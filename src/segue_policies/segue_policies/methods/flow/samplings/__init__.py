"""How a flow policy of any variant answers a request: `answer(scene, request)` gives (H, D) in physical units."""
